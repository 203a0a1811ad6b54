// For programs whose output somebody reads through `head`: the reader has what it wants, and that is no failure.

/** Ends this process, with the exit code that it has, when nobody reads its standard output any more. Call it once. */
export function endWithReader(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
    process.exit()
  })
}
