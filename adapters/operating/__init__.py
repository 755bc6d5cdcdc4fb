"""What operators do: the command line, the doctor, backups."""
