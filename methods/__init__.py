"""Explainers by name. A value is "module:class"; nothing is imported before it is used. Groups name several at once."""

if not __name__.startswith("roarbench."):
    raise ImportError(f"no other package {__name__} is installed, and that of roarbench is roarbench.{__name__}")


EXPLAINERS: dict[str, str] = {
    "random": "roarbench.methods.controls:Random",
    "random_per_epoch": "roarbench.methods.controls:RandomPerEpoch",
    "sobel": "roarbench.methods.controls:Sobel",
    "center": "roarbench.methods.controls:Center",
    "deviation": "roarbench.methods.controls:Deviation",
    "truth": "roarbench.methods.controls:Truth",
    "gradient": "roarbench.methods.gradient:Gradient",
    "input_x_gradient": "roarbench.methods.gradient:InputXGradient",
    "integrated_gradients": "roarbench.methods.gradient:IntegratedGradients",
    "guided_backprop": "roarbench.methods.backprop:GuidedBackprop",
    "squared": "roarbench.methods.ensembles:Squared",
    "smoothgrad": "roarbench.methods.ensembles:SmoothGrad",
    "smoothgrad_squared": "roarbench.methods.ensembles:SmoothGradSquared",
    "vargrad": "roarbench.methods.ensembles:VarGrad",
    "deconvolution": "roarbench.methods.backprop:Deconvolution",
    "deep_lift": "roarbench.methods.deep_lift:DeepLift",
    "lrp": "roarbench.methods.relevance:Lrp",
    "grad_cam": "roarbench.methods.grad_cam:GradCam",
    "guided_grad_cam": "roarbench.methods.grad_cam:GuidedGradCam",
    "gradient_shap": "roarbench.methods.gradient:GradientShap",
    "occlusion": "roarbench.methods.perturbation:Occlusion",
    "lime": "roarbench.methods.perturbation:Lime",
    "kernel_shap": "roarbench.methods.perturbation:KernelShap",
    "hide_and_seek": "roarbench.methods.hide_and_seek:HideAndSeek",
    "senn": "roarbench.methods.self_explaining:SelfExplaining",
    "disenn": "roarbench.methods.self_explaining:Disentangled",
    "cladec": "roarbench.methods.decoding:Decoding",
    "blurred": "roarbench.methods.filters:Blurred",
    "max_filtered": "roarbench.methods.filters:MaxFiltered",
    "random_class": "roarbench.methods.instruments:RandomClass",
    "randomized": "roarbench.methods.instruments:Randomized",
    "degraded": "roarbench.methods.instruments:Degraded",
    "stored": "roarbench.methods.stored:Stored",
    "leaky_truth": "roarbench.methods.leaky:LeakyTruth",
    "expected_gradients": "roarbench.methods.gradient:ExpectedGradients",
    "guided_ig": "roarbench.methods.guided_ig:GuidedIg",
    "full_grad": "roarbench.methods.full_grad:FullGrad",
    "rise": "roarbench.methods.rise:Rise",
    "attention_rollout": "roarbench.methods.attention:AttentionRollout",
    "gradient_x_attention": "roarbench.methods.attention:GradientXAttention",
    "captum": "roarbench.methods.captum_adapter:Captum",
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
