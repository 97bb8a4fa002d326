"""The Elastic Container Service: clusters, task definitions, and tasks that run as processes of this machine."""
