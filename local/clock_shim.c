/* Gives a process a different clock: loaded before the C library (LD_PRELOAD), it moves the real-time clock by an offset.
 *
 * The offset is CLOCK_OFFSET_MS if that is set. Otherwise it is between -CLOCK_OFFSET_MS_MAX and +CLOCK_OFFSET_MS_MAX, and
 * follows from CLOCK_SEED and from the number of this process among those of its function, which the file CLOCK_PROCESSES
 * counts: it has one line of LINE_BYTES bytes for each process, with the process ID and the offset. Clocks that measure
 * durations are not changed. */

#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { LINE_BYTES = 32 };

static const long MILLION = 1000000L;
static const long BILLION = 1000000000L;

static int64_t offset_ms;

static int64_t number_in(const char *name)
{
    const char *text = getenv(name);
    return text ? strtoll(text, NULL, 10) : 0;
}

/* SplitMix64 (Steele, Lea and Flood, 2014). */
static uint64_t mixed(uint64_t state)
{
    state += 0x9E3779B97F4A7C15u;
    state = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9u;
    state = (state ^ (state >> 27)) * 0x94D049BB133111EBu;
    return state ^ (state >> 31);
}

static int64_t offset_of(uint64_t number)
{
    const char *function = getenv("AWS_LAMBDA_FUNCTION_NAME");
    uint64_t state = (uint64_t)number_in("CLOCK_SEED");
    for (const char *letter = function ? function : ""; *letter; letter++)
        state = mixed(state ^ (unsigned char)*letter);
    int64_t most = number_in("CLOCK_OFFSET_MS_MAX");
    return (int64_t)(mixed(state ^ number) % (uint64_t)(2 * most + 1)) - most;
}

__attribute__((constructor)) static void choose_offset(void)
{
    const char *path = getenv("CLOCK_PROCESSES");
    if (getenv("CLOCK_OFFSET_MS"))
        offset_ms = number_in("CLOCK_OFFSET_MS");
    if (!path)
        return;
    int file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (file < 0 || flock(file, LOCK_EX) != 0)
        abort();
    if (!getenv("CLOCK_OFFSET_MS"))
        offset_ms = offset_of((uint64_t)lseek(file, 0, SEEK_END) / LINE_BYTES);
    char line[LINE_BYTES + 1];
    snprintf(line, sizeof line, "%*ld %+*ld\n", 15, (long)getpid(), LINE_BYTES - 17, (long)offset_ms);
    if (write(file, line, LINE_BYTES) != LINE_BYTES)
        abort();
    close(file);
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    int failed = (int)syscall(SYS_clock_gettime, clock, now);
    if (failed || (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE))
        return failed;
    int64_t nanoseconds = now->tv_nsec + offset_ms % 1000 * MILLION;
    now->tv_sec += (time_t)(offset_ms / 1000);
    if (nanoseconds < 0) {
        nanoseconds += BILLION;
        now->tv_sec--;
    } else if (nanoseconds >= BILLION) {
        nanoseconds -= BILLION;
        now->tv_sec++;
    }
    now->tv_nsec = (long)nanoseconds;
    return 0;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    struct timespec precise;
    if (zone)
        memset(zone, 0, sizeof(struct timezone));
    if (clock_gettime(CLOCK_REALTIME, &precise))
        return -1;
    now->tv_sec = precise.tv_sec;
    now->tv_usec = precise.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *seconds)
{
    struct timespec precise;
    if (clock_gettime(CLOCK_REALTIME, &precise))
        return (time_t)-1;
    if (seconds)
        *seconds = precise.tv_sec;
    return precise.tv_sec;
}
