// SPDX-License-Identifier: Apache-2.0
// What differs between processors: how to enter the kernel, the numbers of its calls, and a few of its layouts.
#ifndef ARCH_ARM64_H
#define ARCH_ARM64_H

enum {
    CALL_GETCWD = 17,
    CALL_DUP3 = 24,
    CALL_FCNTL = 25,
    CALL_CHDIR = 49,
    CALL_OPENAT = 56,
    CALL_CLOSE = 57,
    CALL_PIPE2 = 59,
    CALL_GETDENTS64 = 61,
    CALL_READ = 63,
    CALL_WRITE = 64,
    CALL_PPOLL = 73,
    CALL_SIGNALFD4 = 74,
    CALL_FSTATAT = 79,
    CALL_EXIT_GROUP = 94,
    CALL_KILL = 129,
    CALL_SIGACTION = 134,
    CALL_SIGPROCMASK = 135,
    CALL_GETPID = 172,
    CALL_CLONE = 220,
    CALL_EXECVE = 221,
    CALL_MMAP = 222,
    CALL_WAIT4 = 260,
    CALL_FACCESSAT2 = 439,
};

enum {
    ARCH_O_DIRECTORY = 040000,
    ARCH_STAT_SIZE = 128,
    ARCH_STAT_MODE_AT = 16,
};

static inline long arch_call(long call, long a, long b, long c, long d, long e, long f) {
    register long x8 __asm__("x8") = call;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    register long x5 __asm__("x5") = f;
    __asm__ volatile("svc 0"
                     : "+r"(x0)
                     : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
                     : "memory", "cc");
    return x0;
}

// The kernel enters with the arguments, the environment and the auxiliary vector on the stack.
#define ARCH_START                    \
    __asm__(".text\n"                 \
            ".globl _start\n"         \
            ".type _start,%function\n" \
            "_start:\n"               \
            "  mov x29, #0\n"         \
            "  mov x30, #0\n"         \
            "  mov x0, sp\n"          \
            "  bl start\n"            \
            "  brk #1\n")

#endif
