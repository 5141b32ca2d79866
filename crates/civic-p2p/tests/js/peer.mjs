// A js-libp2p node that does what it is told: one JSON object a line on standard input, one answer a line on
// standard output, and what happens by itself in between. It ends when its input does.
import { createInterface } from 'node:readline'

import { gossipsub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import { kadDHT, passthroughMapper } from '@libp2p/kad-dht'
import { noise } from '@libp2p/noise'
import { peerIdFromString } from '@libp2p/peer-id'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'

const net = process.argv[2]
const say = (line) => process.stdout.write(JSON.stringify(line) + '\n')
const hex = (bytes) => Buffer.from(bytes).toString('hex')

const node = await createLibp2p({
  addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
  transports: [tcp()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  // Loopback addresses are all that this test has.
  connectionGater: { denyDialMultiaddr: () => false },
  services: {
    identify: identify(),
    ping: ping(),
    dht: kadDHT({
      protocol: `/civicbase/${net}/kad/1`,
      clientMode: false,
      peerInfoMapper: passthroughMapper,
      allowQueryWithZeroPeers: true
    }),
    pubsub: gossipsub({
      // Envelopes carry their own signature: gossipsub adds none, and names messages by their bytes here.
      globalSignaturePolicy: 'StrictNoSign',
      msgIdFn: (message) => message.data.subarray(-64),
      emitSelf: false,
      allowPublishToZeroTopicPeers: true
    })
  }
})

node.services.pubsub.addEventListener('message', ({ detail }) => {
  say({ event: 'message', topic: detail.topic, data: hex(detail.data) })
})
node.addEventListener('peer:identify', ({ detail }) => {
  say({
    event: 'identified',
    peer: detail.peerId.toString(),
    agent: detail.agentVersion,
    protocol: detail.protocolVersion,
    protocols: detail.protocols,
    addresses: detail.listenAddrs.map(String)
  })
})

const commands = {
  dial: async ({ address }) => ({ peer: (await node.dial(multiaddr(address))).remotePeer.toString() }),
  ping: async ({ peer }) => ({ ms: await node.services.ping.ping(peerIdFromString(peer)) }),
  subscribe: async ({ topic }) => { node.services.pubsub.subscribe(topic); return {} },
  subscribers: async ({ topic }) => ({ peers: node.services.pubsub.getSubscribers(topic).map(String) }),
  publish: async ({ topic, data }) => {
    const sent = await node.services.pubsub.publish(topic, Buffer.from(data, 'hex'))
    return { recipients: sent.recipients.length }
  },
  find: async ({ peer }) => {
    const found = await node.peerRouting.findPeer(peerIdFromString(peer), { signal: AbortSignal.timeout(10_000) })
    return { addresses: found.multiaddrs.map(String) }
  },
  table: async () => ({ peers: node.services.dht.routingTable.size })
}

say({ event: 'listening', peer: node.peerId.toString(), addresses: node.getMultiaddrs().map(String) })
for await (const line of createInterface({ input: process.stdin })) {
  const { ask, ...told } = JSON.parse(line)
  try {
    say({ answer: ask, ...await commands[ask](told) })
  } catch (error) {
    say({ answer: ask, error: String(error) })
  }
}
await node.stop()
process.exit(0)
