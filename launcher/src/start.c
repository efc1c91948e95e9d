// SPDX-License-Identifier: Apache-2.0
// The first instructions, and the functions a compiler expects to exist without a C library.
#include <stddef.h>
#include <stdint.h>

#include "failure.h"
#include "launcher.h"

#if defined(__x86_64__)
#include "arch_amd64.h"
#else
#include "arch_arm64.h"
#endif

// Called by the compiler's own code or by the first instructions, never by name.
_Noreturn void start(uintptr_t *stack);
_Noreturn void __stack_chk_fail(void);
void *memcpy(void *to, const void *from, size_t size);
void *memset(void *to, int byte, size_t size);

ARCH_START;

// The compiler writes this value behind the buffers of a function and checks it before returning.
uintptr_t __stack_chk_guard;

_Noreturn void __stack_chk_fail(void) {
    fail(T("the launcher's stack is damaged"), T("this is a defect of the launcher; please report it"));
}

enum { AUXILIARY_END = 0, AUXILIARY_RANDOM = 25 };

// Sixteen random bytes come from the kernel, at any address. The lowest byte of the guard stays zero, so that no string
// copied too far can hold the value.
__attribute__((no_stack_protector)) static void set_guard(const unsigned char *random) {
    uintptr_t guard = 0;
    for (size_t i = 1; i < sizeof guard; i++) {
        guard = guard << 8 | random[i];
    }
    __stack_chk_guard = guard << 8;
}

__attribute__((no_stack_protector, used)) _Noreturn void start(uintptr_t *stack) {
    char **arguments = (char **)(stack + 1);
    char **environment = arguments + stack[0] + 1;
    char **end = environment;
    while (*end != NULL) {
        end++;
    }
    for (uintptr_t *auxiliary = (uintptr_t *)(end + 1); auxiliary[0] != AUXILIARY_END; auxiliary += 2) {
        if (auxiliary[0] == AUXILIARY_RANDOM) {
            set_guard((const unsigned char *)auxiliary[1]);
        }
    }
    launcher(arguments, environment);
}

void *memcpy(void *to, const void *from, size_t size) {
    char *target = to;
    const char *source = from;
    while (size-- > 0) {
        *target++ = *source++;
    }
    return to;
}

void *memset(void *to, int byte, size_t size) {
    char *target = to;
    while (size-- > 0) {
        *target++ = (char)byte;
    }
    return to;
}
