// A small server of the contract's models, over real HTTP and streaming: the one piece of an OpenAI-compatible API that the contract needs.
import { createServer, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { contractAnswer } from "../../actors/GenerationContract.ts"

export interface ContractServer {
  readonly url: string
  readonly openCalls: () => number
  readonly close: () => Promise<void>
}

interface Body {
  readonly messages?: ReadonlyArray<{ readonly content: string }>
  readonly prompt?: string
  readonly seed?: number
  readonly stream?: boolean
}

const piecesOf = (text: string) => text.match(/.{1,7}/gsu) ?? []
const isStream = ({ stream }: Body) => stream === true

export const startContractServer = async (): Promise<ContractServer> => {
  let open = 0
  const answer = (response: ServerResponse, body: Body, isChat: boolean) => {
    const prompt = body.prompt ?? body.messages?.map(({ content }) => content).join("\n") ?? ""
    const said = contractAnswer(prompt, body.seed ?? null)
    if (said._tag === "Waits") return
    if (said._tag === "Refuses") {
      response.writeHead(400, { "content-type": "application/json" })
      response.end(JSON.stringify({ error: { message: "this is refused", type: "invalid_request_error" } }))
      return
    }
    const { reasoning, text } = said
    const usage = { prompt_tokens: 5, completion_tokens: 7, total_tokens: 12 }
    const choice = (fields: object, finish: string | null) =>
      JSON.stringify({ id: "x", object: "x", model: "x", choices: [{ index: 0, ...fields, finish_reason: finish }] })
    const thought = reasoning === null ? {} : { reasoning_content: reasoning }
    if (!isStream(body)) {
      const whole = isChat ? { message: { role: "assistant", content: text, ...thought } } : { text }
      response.writeHead(200, { "content-type": "application/json" })
      response.end(JSON.stringify({ ...JSON.parse(choice(whole, "stop")), usage }))
      return
    }
    response.writeHead(200, { "content-type": "text/event-stream" })
    const send = (data: string) => response.write(`data: ${data}\n\n`)
    const part = (fields: object) => isChat ? { delta: fields } : fields
    for (const piece of piecesOf(reasoning ?? "")) send(choice(part({ reasoning_content: piece }), null))
    for (const piece of piecesOf(text)) send(choice(part(isChat ? { content: piece } : { text: piece }), null))
    send(choice(part(isChat ? {} : { text: "" }), "stop"))
    send(JSON.stringify({ id: "x", object: "x", model: "x", choices: [], usage }))
    response.end("data: [DONE]\n\n")
  }
  const server = createServer((request, response) => {
    open++
    response.on("close", () => open--)
    const chunks: Array<Buffer> = []
    request.on("data", (chunk: Buffer) => chunks.push(chunk))
    request.on("end", () => {
      answer(response, JSON.parse(Buffer.concat(chunks).toString()), request.url?.includes("/chat/") === true)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    openCalls: () => open,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
  }
}
