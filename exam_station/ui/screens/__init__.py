"""One file a screen; `screens.all_screens` says which one shows which state."""
