"""What an avatar knows: items, their passages, and how these are found."""
