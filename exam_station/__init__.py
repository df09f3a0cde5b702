"""The kiosk: reads the card, looks at the face, shows the paper, loses no answer."""
