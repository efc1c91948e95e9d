// SPDX-License-Identifier: Apache-2.0
// Prints the median and the 95th percentile of the time from before fork until after wait: time RUNS PROGRAM [ARGUMENT...].
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static int compare(const void *left, const void *right) {
    int64_t a = *(const int64_t *)left;
    int64_t b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

int main(int count, char **arguments) {
    int runs = count > 2 ? atoi(arguments[1]) : 0;
    int64_t *times = runs > 0 ? calloc((size_t)runs, sizeof *times) : NULL;
    if (times == NULL) {
        fprintf(stderr, "usage: time RUNS PROGRAM [ARGUMENT...]\n");
        return 2;
    }
    for (int i = 0; i < runs; i++) {
        int64_t start = now();
        int status = 0;
        pid_t child = vfork();
        if (child == 0) {
            execv(arguments[2], arguments + 2);
            _exit(127);
        }
        if (child < 0 || waitpid(child, &status, 0) != child || status != 0) {
            fprintf(stderr, "%s did not succeed\n", arguments[2]);
            return 1;
        }
        times[i] = now() - start;
    }
    qsort(times, (size_t)runs, sizeof *times, compare);
    printf("%8.3f ms %8.3f ms\n", (double)times[runs / 2] / 1e6, (double)times[runs * 95 / 100] / 1e6);
    return 0;
}
