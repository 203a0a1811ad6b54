// What is wrong with what the kit was asked, before anything is checked.

/** The command line, an option, or a file that it names, is wrong. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}
