"""What the parts measure with: servers, floors, peers, visitors and the load that they make."""
