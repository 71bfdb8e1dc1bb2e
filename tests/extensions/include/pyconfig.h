#error "the pyconfig.h of another platform"
