// What is wrong with the settings of a cluster.
import { ConetError } from '@conet/sdk'

export function wrongSetting(key: string, message: string): ConetError {
  const path = `cluster.${key}`
  return new ConetError('invalidArgument', `cluster: ${path} ${message}`, {
    fields: [{ path, message }],
    help: 'docs/operating.md, section "A cluster", has all that is needed',
  })
}
