// SPDX-License-Identifier: Apache-2.0
#include "bytes.h"

char *bytes_append(char *to, const char *from, size_t size) {
    for (size_t i = 0; i < size; i++) {
        to[i] = from[i];
    }
    return size == 0 ? to : to + size;
}

int bytes_compare(const char *left, const char *right, size_t size) {
    for (size_t i = 0; i < size; i++) {
        if (left[i] != right[i]) {
            return (unsigned char)left[i] < (unsigned char)right[i] ? -1 : 1;
        }
    }
    return 0;
}
