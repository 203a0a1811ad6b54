// `--NAME` and `--no-NAME` of one command.
import type { Command } from 'commander'

/** Adds both. Given together they are refused: commander would take the last one. */
export function eitherWay(
  command: Command,
  name: string,
  { yes, no }: { readonly yes: string; readonly no: string },
): void {
  const given = new Set<string>()
  for (const [option, description] of [
    [name, yes],
    [`no-${name}`, no],
  ] as const) {
    command.option(`--${option}`, description)
    command.on(`option:${option}`, () => {
      if (given.add(option).size > 1)
        command.error(`error: --${name} and --no-${name} cannot be used together`)
    })
  }
}
