// SPDX-License-Identifier: Apache-2.0
#include "failure.h"

struct text reason_of(long error_number) {
    switch (error_number) {
    case 1: return T("operation not permitted");
    case 2: return T("no such file or directory");
    case 5: return T("input/output error");
    case 7: return T("argument list too long");
    case 8: return T("exec format error");
    case 11: return T("resource temporarily unavailable");
    case 12: return T("cannot allocate memory");
    case 13: return T("permission denied");
    case 20: return T("not a directory");
    case 21: return T("is a directory");
    case 22: return T("invalid argument");
    case 23: return T("too many open files in system");
    case 24: return T("too many open files");
    case 26: return T("text file busy");
    case 36: return T("file name too long");
    case 38: return T("function not implemented");
    case 40: return T("too many levels of symbolic links");
    case 80: return T("accessing a corrupted shared library");
    default: return JOIN(T("errno "), text_of_number((uint64_t)error_number));
    }
}
