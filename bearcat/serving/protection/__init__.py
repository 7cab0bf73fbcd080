"""What stands between the service and strangers: origins, connections, and the log."""
