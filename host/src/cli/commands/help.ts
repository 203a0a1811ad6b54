// conet help [COMMAND… | exit-codes].
import type { Command } from 'commander'
import type { CommandContext } from '../command-context.ts'
import { exitCodesText } from '../exit-code.ts'

const topics: Readonly<Record<string, string>> = { 'exit-codes': exitCodesText }

export function addHelpCommand(program: Command, context: CommandContext): void {
  program
    .command('help')
    .summary('explain a command, or exit-codes')
    .description('Explain a command, or one of the topics: exit-codes.')
    .argument('[word...]')
    .addHelpText('after', '\nExample:\n  $ conet help net create\n  $ conet help exit-codes')
    .action((words: string[]) => {
      const topic = words.length === 1 ? topics[words[0] ?? ''] : undefined
      if (topic !== undefined) context.terminal.out(topic)
      else commandAt(program, words).outputHelp()
    })
}

function commandAt(program: Command, words: readonly string[]): Command {
  let command = program
  for (const word of words) {
    const next = command.commands.find((one) => one.name() === word || one.aliases().includes(word))
    if (next === undefined) return command.error(`error: help: no command or topic '${words.join(' ')}'`)
    command = next
  }
  return command
}
