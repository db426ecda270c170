-- What wrk sends to the gateway of bus_bench: one and the same list request.
wrk.method = "POST"
wrk.body = '{"room_id":1234}'
wrk.headers["Authorization"] = string.rep("0123456789abcdef", 4)
