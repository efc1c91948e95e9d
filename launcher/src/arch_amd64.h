// SPDX-License-Identifier: Apache-2.0
// What differs between processors: how to enter the kernel, the numbers of its calls, and a few of its layouts.
#ifndef ARCH_AMD64_H
#define ARCH_AMD64_H

enum {
    CALL_READ = 0,
    CALL_WRITE = 1,
    CALL_CLOSE = 3,
    CALL_MMAP = 9,
    CALL_SIGACTION = 13,
    CALL_SIGPROCMASK = 14,
    CALL_GETPID = 39,
    CALL_CLONE = 56,
    CALL_EXECVE = 59,
    CALL_WAIT4 = 61,
    CALL_KILL = 62,
    CALL_FCNTL = 72,
    CALL_GETCWD = 79,
    CALL_CHDIR = 80,
    CALL_GETDENTS64 = 217,
    CALL_EXIT_GROUP = 231,
    CALL_OPENAT = 257,
    CALL_FSTATAT = 262,
    CALL_PPOLL = 271,
    CALL_SIGNALFD4 = 289,
    CALL_DUP3 = 292,
    CALL_PIPE2 = 293,
    CALL_FACCESSAT2 = 439,
};

enum {
    ARCH_O_DIRECTORY = 0200000,
    ARCH_STAT_SIZE = 144,
    ARCH_STAT_MODE_AT = 24,
};

static inline long arch_call(long call, long a, long b, long c, long d, long e, long f) {
    long result;
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(call), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

// The kernel enters with the arguments, the environment and the auxiliary vector on the stack.
#define ARCH_START                    \
    __asm__(".text\n"                 \
            ".globl _start\n"         \
            ".type _start,@function\n" \
            "_start:\n"               \
            "  xor %ebp, %ebp\n"      \
            "  mov %rsp, %rdi\n"      \
            "  and $-16, %rsp\n"      \
            "  call start\n"          \
            "  hlt\n")

#endif
