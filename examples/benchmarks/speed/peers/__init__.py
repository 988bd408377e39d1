"""What each library does in a race: functions that return a run, ready to be called and timed."""
