/* A plain C implementation of the published algorithm (Pennington, Socher, Manning, 2014), the peer of the
   benchmark: doubles, records of 16 bytes (row, column, x) read from a shuffled file in each iteration, logarithm
   and power taken for each of them, one stretch of the file for each thread, no locks.

   cc -O3 -march=native -pthread glove_peer.c -o glove_peer -lm
   glove_peer RECORDS WORDS DIM ITERATIONS THREADS X_MAX SEED OUT
   prints the seconds and the mean loss of the last iteration; OUT: the sums of both vectors, float32. */
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct record {
    int row, column;
    double x;
};

static const double eta = 0.05, alpha = 0.75, clip = 100.0;
static const char *records;
static long long count, words;
static int dim, threads;
static double x_max, *values, *squares, *losses;

static double clipped(double v) { return v < -clip ? -clip : v > clip ? clip : v; }

static void *train(void *number) {
    const long long t = (long long)(size_t)number, first = count / threads * t;
    const long long last = t == threads - 1 ? count : first + count / threads;
    FILE *file = fopen(records, "rb");
    struct record r;
    losses[t] = 0;
    fseek(file, (long)(first * (long long)sizeof r), SEEK_SET);
    for (long long k = first; k < last && fread(&r, sizeof r, 1, file) == 1; ++k) {
        double *w = values + (size_t)r.row * (dim + 1), *c = values + (size_t)(words + r.column) * (dim + 1);
        double *gw = squares + (w - values), *gc = squares + (c - values);
        double difference = w[dim] + c[dim] - log(r.x);
        for (int i = 0; i < dim; ++i) difference += w[i] * c[i];
        const double force = (r.x > x_max ? 1.0 : pow(r.x / x_max, alpha)) * difference;
        losses[t] += 0.5 * force * difference;
        for (int i = 0; i < dim; ++i) {
            const double dw = eta * clipped(force * c[i]), dc = eta * clipped(force * w[i]);
            w[i] -= dw / sqrt(gw[i]);
            c[i] -= dc / sqrt(gc[i]);
            gw[i] += dw * dw;
            gc[i] += dc * dc;
        }
        w[dim] -= eta * force / sqrt(gw[dim]);
        c[dim] -= eta * force / sqrt(gc[dim]);
        gw[dim] += eta * force * eta * force;
        gc[dim] += eta * force * eta * force;
    }
    fclose(file);
    return NULL;
}

int main(int argc, char **argv) {
    if (argc != 9) return 2;
    records = argv[1];
    words = atoll(argv[2]);
    dim = atoi(argv[3]);
    threads = atoi(argv[5]);
    x_max = atof(argv[6]);
    srand((unsigned)atoi(argv[7]));
    FILE *file = fopen(records, "rb");
    fseek(file, 0, SEEK_END);
    count = ftell(file) / (long long)sizeof(struct record);
    fclose(file);
    const size_t size = (size_t)(2 * words) * (dim + 1);
    values = malloc(size * sizeof(double));
    squares = malloc(size * sizeof(double));
    losses = malloc(threads * sizeof(double));
    pthread_t *running = malloc(threads * sizeof(pthread_t));
    for (size_t i = 0; i < size; ++i) values[i] = (rand() / (double)RAND_MAX - 0.5) / (dim + 1), squares[i] = 1;
    struct timespec begin, end;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    double loss = 0;
    for (int n = 0; n < atoi(argv[4]); ++n) {
        for (int t = 0; t < threads; ++t) pthread_create(&running[t], NULL, train, (void *)(size_t)t);
        loss = 0;
        for (int t = 0; t < threads; ++t) pthread_join(running[t], NULL), loss += losses[t] / (double)count;
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    printf("%.3f %.6f\n", (double)(end.tv_sec - begin.tv_sec) + 1e-9 * (double)(end.tv_nsec - begin.tv_nsec), loss);
    file = fopen(argv[8], "wb");
    for (long long word = 0; word < words; ++word)
        for (int i = 0; i < dim; ++i) {
            const float v = (float)(values[word * (dim + 1) + i] + values[(words + word) * (dim + 1) + i]);
            fwrite(&v, sizeof v, 1, file);
        }
    return fclose(file);
}
