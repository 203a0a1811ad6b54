// Reads the configuration file. What is wrong in it is named with its path.
import { ConetError, type FieldError, fieldErrors } from '@conet/sdk'
import { Ajv } from 'ajv'
import { Value } from 'typebox/value'
import { FileTooLarge, readBounded } from '../files/bounded-read.ts'
import { ConfigFile } from './config-schema.ts'

/** Throws `notFound` or `invalidArgument` that names each wrong field. */
export function readConfigFile(path: string): ConfigFile {
  return checkConfig(parse(path, read(path)), path)
}

/**
 * `source` opens the message: the file's path, or the flags or variables. `nameOf`: how a setting is called there, unless it
 * is as in the file.
 */
export function checkConfig(
  config: unknown,
  source: string,
  nameOf: (path: string) => string | undefined = () => undefined,
): ConfigFile {
  // Without compiling anything: every start of conetd passes here, and few find a fault.
  if (Value.Check(ConfigFile, config)) return config
  const fields = faultsOf(config)
  const reasons = fields.map(({ path, message }) => {
    const name = nameOf(path)
    return `${path || 'the whole'}${name === undefined ? '' : ` (${name})`} ${message}`
  })
  throw new ConetError('invalidArgument', `${source}: ${reasons.join('; ')}`, {
    fields,
    help: 'host/config.schema.json has all keys; conetd --help has all flags',
  })
}

function faultsOf(config: unknown): FieldError[] {
  const validate = new Ajv({ strict: true, allErrors: true, verbose: true }).compile(ConfigFile)
  validate(config)
  return fieldErrors(validate.errors)
}

function read(path: string): string {
  try {
    return readBounded(path).toString('utf8')
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    const kind = cause instanceof FileTooLarge ? 'invalidArgument' : 'notFound'
    throw new ConetError(kind, `read the configuration ${path}: ${why}`, { cause })
  }
}

function parse(path: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new ConetError('invalidArgument', `read the configuration ${path}: it is not JSON: ${why}`, {
      cause,
    })
  }
}
