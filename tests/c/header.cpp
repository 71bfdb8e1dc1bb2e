// header.cpp: the same as header.c, as C++.
#include "header.c"
