"""What nodes show: payloads of the views in the browser, and reports."""
