"""What the GraphQL door needs that is no noun."""
