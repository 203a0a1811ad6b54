// `--subnet 10.1.0.0/16,gateway=10.1.0.1,range=10.1.2.0/24,exclude=10.1.2.9`. The host says whether the values make sense.
import type { SubnetRequest } from '@conet/sdk/client'
import { InvalidArgumentError } from 'commander'

export function collectSubnet(text: string, all: readonly SubnetRequest[] = []): SubnetRequest[] {
  const [subnet = '', ...members] = text.split(',')
  const request: SubnetRequest = { subnet }
  for (const member of members) addMember(request, member)
  return [...all, request]
}

function addMember(request: SubnetRequest, member: string): void {
  const at = member.indexOf('=')
  const key = at < 0 ? member : member.slice(0, at)
  const value = at < 0 ? '' : member.slice(at + 1)
  if (key === 'exclude') request.exclude = [...(request.exclude ?? []), value]
  else if (key !== 'gateway' && key !== 'range') throw new InvalidArgumentError(unknownMember(key))
  else if (request[key] !== undefined) throw new InvalidArgumentError(`It has ${key} twice.`)
  else request[key] = value
}

function unknownMember(key: string): string {
  return `It has ${key === '' ? 'an empty member' : `"${key}"`}; known are gateway=, range= and exclude=. Several subnets: repeat the option.`
}
