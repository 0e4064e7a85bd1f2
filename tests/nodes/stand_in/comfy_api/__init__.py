"""Stands in for `comfy_api` where ComfyUI is not installed: what declaring nodes needs."""
