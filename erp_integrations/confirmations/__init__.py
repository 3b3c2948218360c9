"""Two people for what steers money: whoever changed it does not decide on it until another confirms."""
