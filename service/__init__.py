"""The reference registration service: deployable without the rest of the repository."""
