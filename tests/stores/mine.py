"""An explainer of a user's own."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Mine:
    power: float = 1.0

    def prepare(self, classifier, train):
        def attribute(inputs, targets):
            inputs = inputs.clone().requires_grad_()
            classifier(inputs).gather(1, targets[:, None]).sum().backward(inputs=[inputs])
            return inputs.grad * inputs.detach() ** self.power

        return attribute
