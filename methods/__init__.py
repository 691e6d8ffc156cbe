"""Explainers by name. A value is "module:class"; nothing is imported before it is used. Groups name several at once."""

EXPLAINERS: dict[str, str] = {
    "random": "methods.controls:Random",
    "random_per_epoch": "methods.controls:RandomPerEpoch",
    "sobel": "methods.controls:Sobel",
    "center": "methods.controls:Center",
    "deviation": "methods.controls:Deviation",
    "truth": "methods.controls:Truth",
    "gradient": "methods.gradient:Gradient",
    "input_x_gradient": "methods.gradient:InputXGradient",
    "integrated_gradients": "methods.gradient:IntegratedGradients",
    "guided_backprop": "methods.backprop:GuidedBackprop",
    "squared": "methods.ensembles:Squared",
    "smoothgrad": "methods.ensembles:SmoothGrad",
    "smoothgrad_squared": "methods.ensembles:SmoothGradSquared",
    "vargrad": "methods.ensembles:VarGrad",
    "deconvolution": "methods.backprop:Deconvolution",
    "deep_lift": "methods.deep_lift:DeepLift",
    "lrp": "methods.relevance:Lrp",
    "grad_cam": "methods.grad_cam:GradCam",
    "guided_grad_cam": "methods.grad_cam:GuidedGradCam",
    "gradient_shap": "methods.gradient:GradientShap",
    "occlusion": "methods.perturbation:Occlusion",
    "lime": "methods.perturbation:Lime",
    "kernel_shap": "methods.perturbation:KernelShap",
    "hide_and_seek": "methods.hide_and_seek:HideAndSeek",
    "senn": "methods.self_explaining:SelfExplaining",
    "disenn": "methods.self_explaining:Disentangled",
    "cladec": "methods.decoding:Decoding",
    "blurred": "methods.filters:Blurred",
    "max_filtered": "methods.filters:MaxFiltered",
    "random_class": "methods.instruments:RandomClass",
    "randomized": "methods.instruments:Randomized",
    "degraded": "methods.instruments:Degraded",
}

_BASES = ("gradient", "guided_backprop", "integrated_gradients")
_DECODED = ("difference", "similarity", "gap", "kept", "share", "pressure")
_ENSEMBLES = ("squared", "smoothgrad", "smoothgrad_squared", "vargrad")

GROUPS: dict[str, tuple[str, ...]] = {
    "paper": ("random", "sobel", *_BASES, *(f"{ensemble}[base={base}]" for ensemble in _ENSEMBLES for base in _BASES)),
    "controls": ("random", "sobel", "center", "deviation"),
    "cladec_scores": (*(f"cladec[score={score}]" for score in _DECODED), "deviation"),
}
"""`paper`: the 17 rows that can be rebuilt from Hooker et al. 2019 (the text counts 18 and does not name the last).

`cladec_scores`: all scores of decoded layers, beside the control that two of them are built on."""
