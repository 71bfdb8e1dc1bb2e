package main

func runInteractive(o *options) int { return 0 }
