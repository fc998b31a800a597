"""What engineers on duty look at: Prometheus's rules and alerts, Alertmanager, Grafana's dashboards (made by code)."""
