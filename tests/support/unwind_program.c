/* unwind_program.c - not linked into a test: compiled by one, for each processor and system
 *
 * Functions of the shapes that unwind data describes: many saved registers, locals beyond a page,
 * locals of unknown size, vectors that are saved, a tail call, many parameters, recursion.
 */
#ifndef KEEP /* -DKEEP=: let all be inlined */
#define KEEP __attribute__((noinline))
#endif

typedef struct {
	long v[8];
} wide;

#ifdef _WIN32
#define EXPORT __declspec(dllexport)
int _fltused;
#if defined(__aarch64__)
__asm__(".text\n.globl __chkstk\n__chkstk:\n ret\n");
#elif defined(__x86_64__)
__asm__(".text\n.globl __chkstk, ___chkstk_ms\n__chkstk:\n___chkstk_ms:\n ret\n");
#else
__asm__(".text\n.globl __chkstk\n__chkstk:\n sub %eax, %esp\n mov (%esp,%eax), %eax\n push %eax\n "
	"ret\n");
#endif
#elif defined(EXPORT_NOTHING)
#define EXPORT
#else
#define EXPORT __attribute__((visibility("default")))
#endif

EXPORT volatile long sink;
EXPORT volatile double real_sink;

EXPORT KEEP long
leaf(long a)
{
	return a * 3 + 1;
}

EXPORT KEEP long
saves_many(long a, long b, long c, long d)
{
	long e = leaf(a);
	long f = leaf(b);
	long g = leaf(c);
	long h = leaf(d);
	long i = leaf(e + f);
	long j = leaf(g + h);
	sink = a + b + c + d;
	return e + f + g + h + i + j + leaf(a ^ b ^ c ^ d) + a + b + c + d + e * f;
}

EXPORT KEEP long
one_page_and_more(long n)
{
	volatile char room[9000];
	room[0] = (char)n;
	room[8999] = (char)(n + 1);
	return leaf(room[0]) + room[8999];
}

EXPORT KEEP long
room_of_unknown_size(long n)
{
	volatile char *room = (volatile char *)__builtin_alloca((unsigned long)(n & 63) + 16);
	room[0] = (char)n;
	long sum = leaf(n) + room[0];
	volatile char *more = (volatile char *)__builtin_alloca((unsigned long)(n & 31) + 16);
	more[0] = (char)sum;
	return leaf(sum) + more[0];
}

EXPORT KEEP double
keeps_vectors(double a, double b, double c, double d)
{
	double e = a * b;
	double f = c * d;
	double g = a - c;
	sink = leaf((long)e);
	real_sink = e + f;
	sink = leaf((long)f);
	return a + b + c + d + e * f + g;
}

EXPORT KEEP long
tail_callee(long a, long b)
{
	sink = a;
	return leaf(a - b) + b;
}

EXPORT KEEP long
tail_calls(long a, long b)
{
	long c = leaf(a) + leaf(b);
	return tail_callee(c, b);
}

EXPORT KEEP long
many_parameters(long a, long b, long c, long d, long e, long f, long g, long h, long i, long j)
{
	return leaf(a + b + c + d) + leaf(e + f + g + h) + i * j;
}

EXPORT KEEP wide
returns_a_structure(long a)
{
	wide w;
	for (int i = 0; i < 8; i++)
		w.v[i] = leaf(a + i);
	return w;
}

EXPORT KEEP long
recursive(long n)
{
	if (n <= 0)
		return leaf(n);
	return recursive(n - 1) + leaf(n) + n;
}

EXPORT KEEP long
variadic(int n, ...)
{
	__builtin_va_list list;
	long sum = 0;
	__builtin_va_start(list, n);
	for (int i = 0; i < n; i++)
		sum += leaf(__builtin_va_arg(list, int));
	__builtin_va_end(list);
	return sum;
}

EXPORT long
entry(long n)
{
	long sum = saves_many(n, n + 1, n + 2, n + 3);
	if (n & 1)
		sum += one_page_and_more(n);
	sum += room_of_unknown_size(n) + tail_calls(n, sum);
	sum += many_parameters(n, 1, 2, 3, 4, 5, 6, 7, 8, sum);
	sum += recursive(3);
#ifndef __i386__
	/* There it takes its hidden parameter off the stack, which compilers do not describe. */
	sum += returns_a_structure(n).v[3];
#endif
	sum += variadic(3, 1, 2, (int)n);
	real_sink = keeps_vectors(1.5, 2.5, 3.5, real_sink);
	return sum;
}
