/** Runs once, before the server takes requests. */
export async function register() {
  // Written this way round so that the build leaves the import out of what it makes for other runtimes.
  if (process.env.NEXT_RUNTIME === 'nodejs') {
    const { notePeers } = await import('@/lib/auth/network');
    const { guardAnswers, mendRequests, sayWhatMayBeKept, standBefore } = await import('@/lib/http');
    const { openCache } = await import('@/lib/cache/handler');
    const { sendLight } = await import('@/lib/cache/light');
    const { answerWatchers } = await import('@/lib/runs/progress');
    const { answerPacked } = await import('@/lib/cache/packed');
    notePeers();
    guardAnswers();
    mendRequests();
    sayWhatMayBeKept();
    // The first to be named is the nearest to Next. What it reloads while somebody develops, its scripts do.
    if (process.env.NODE_ENV === 'production') standBefore(sendLight);
    standBefore(openCache());
    standBefore(answerWatchers);
    standBefore(answerPacked('.next/static', 8_000_000));
  }
}
