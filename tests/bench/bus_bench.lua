-- What wrk sends to the gateway of bus_bench: one and the same list request.
wrk.method = "POST"
wrk.body = '{"room_id":1234}'
-- TOKEN of tests/support/c/test_token.h.
wrk.headers["Authorization"] = "000102030405060708090a0b0c0d0e0f1011121314151617b1b807d0d09c49f3"
