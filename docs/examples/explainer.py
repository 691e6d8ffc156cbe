"""An explainer of your own. Copy this file to the current folder, then:

python run_benchmark.py run --explainers random gradient "explainer:Contrast[examples=16]" --out runs/contrast
"""

from dataclasses import dataclass
from typing import ClassVar

import torch

from roarbench.methods.base import Skip


@dataclass(frozen=True)
class Contrast:
    """Gradient of the target's logit times the distance of the image from an average training image.

    Paper: none; an example.
    Differs from the paper: nowhere.
    """

    version: ClassVar[int] = 1  # raise it when the results change on purpose
    explains: ClassVar[str] = "classifier"  # or "itself", or "nothing" for a control

    examples: int = 64  # every field is a parameter on the command line

    def __post_init__(self):
        if self.examples < 1:
            raise ValueError(f"contrast[examples] must be at least 1, got {self.examples}")

    def prepare(self, classifier, train):
        if len(train.feature_shape) != 3:
            raise Skip("contrast needs images")  # the reason reaches the report
        average = train.at(torch.randperm(len(train))[: self.examples]).inputs.mean(0)  # torch is seeded for you

        def attribute(inputs, targets):
            inputs = inputs.clone().requires_grad_()
            classifier(inputs).gather(1, targets[:, None]).sum().backward(inputs=[inputs])
            return inputs.grad * (inputs.detach() - average)

        return attribute
