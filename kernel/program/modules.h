/* The tables of modules, written by the build: what libpython lacks, and what is frozen. */
#ifndef FATA_MODULES_H
#define FATA_MODULES_H

#include <Python.h>
#include <stdbool.h>

extern struct _inittab extra_modules[];
extern const struct _frozen frozen_modules[];

#endif
