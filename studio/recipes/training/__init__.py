"""What every training recipe shares: form fields, checkpoints, token data, the loop around Trainer, memory."""
