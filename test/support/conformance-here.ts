// The kit's command line in this process, which costs no start of Node.
import { exitCodeOfFailure } from '../../sdk/dist/conformance/cli/failure.js'
import { buildProgram } from '../../sdk/dist/conformance/cli/program.js'

/** How a command line of the kit has ended. */
export type KitEnding = { readonly code: number; readonly stdout: string; readonly stderr: string }

export async function kitHere(...words: string[]): Promise<KitEnding> {
  const said = { stdout: '', stderr: '' }
  const terminal = {
    out: (text: string) => {
      said.stdout += text
    },
    err: (text: string) => {
      said.stderr += text
    },
    signal: new AbortController().signal,
  }
  let code = 0
  const program = buildProgram(terminal, (ended) => {
    code = ended
  })
  try {
    await program.parseAsync(words, { from: 'user' })
  } catch (error) {
    code = exitCodeOfFailure(error, terminal)
  }
  return { code, ...said }
}
