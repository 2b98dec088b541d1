"""What wsh promises about speed, measured on a lab server, each figure beside a baseline of the same run."""
