"""Classifiers and fills by name. A value is "module:function"; nothing is imported before it is used.

A classifier is a function `name(feature_shape, num_classes, *, parameters...) -> nn.Module` that maps standardised
inputs to logits. A fill is a function `name(inputs, kept, train_mean, normal, *, parameters...) -> replacement`.
"""

CLASSIFIERS: dict[str, str] = {
    "linear": "benchmark.classifiers:linear",
    "mlp": "benchmark.classifiers:mlp",
    "cnn_small": "hns.seeker:seeker_small",
    "cnn_large": "hns.seeker:seeker_large",
    "airbench": "benchmark.airbench:airbench",
    "vgg_small": "benchmark.vgg:vgg_small",
    "vgg_strided": "benchmark.vgg:vgg_strided",
    "resnet8": "benchmark.classifiers:resnet8",
    "resnet18": "benchmark.classifiers:resnet18",
    "resnet50": "benchmark.resnet50:resnet50",
}

FILLS: dict[str, str] = {
    "mean": "benchmark.fills:mean",
    "zero": "benchmark.fills:zero",
    "image_mean": "benchmark.fills:image_mean",
    "noisy_linear": "benchmark.fills:noisy_linear",
    "blur": "benchmark.fills:blur",
}
