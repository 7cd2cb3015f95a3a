"""How weights follow their gradients: schedules of the learning rate, Adam and Momentum, moving averages of weights."""
