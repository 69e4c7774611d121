"""Language models on this machine: run, held to what they may say, their text made fit to show."""
