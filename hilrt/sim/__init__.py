"""The same wires with no hardware behind them: servo bus, scene, cameras, clock."""
