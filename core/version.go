package core

import "github.com/eryx-go/eryx/core/guest"

// PythonVersion is the interpreter's language version.
const PythonVersion = "3.14"

// BuildID names the interpreter in this program, 32 hexadecimal digits: its code, standard library and runtime.
// Images and exact snapshots belong to one build and are refused by any other.
func BuildID() string { return guest.BuildID() }
