/*
 * The services of benchmarks/net_programs.py on lwIP over a TAP interface, for benchmarks/net.py.
 * One thread: lwIP's raw interface, poll(2), frames until there are no more. Usage: services INTERFACE ADDRESS
 */
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "lwip/etharp.h"
#include "lwip/init.h"
#include "lwip/netif.h"
#include "lwip/tcp.h"
#include "lwip/timeouts.h"
#include "lwip/udp.h"

#define SINK        5001
#define SOURCE      5002
#define ONCE        5003
#define HTTP        8080
#define ECHO        7 /* TCP and UDP */
#define BACKLOG     255
#define MTU         1500
#define FRAME       (14 + MTU)
#define MAX_BUFFERS 16
#define BURST       64 /* frames between two looks at the clock */

static const char REPLY[] = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 13\r\n\r\nHello, world!";
static const char END[] = "\r\n\r\n";
static const char ZEROS[32768];
static int tap;

static void give_up(const char *what) {
    perror(what);
    exit(1);
}

/* The card. */

static err_t send_frame(struct netif *card, struct pbuf *frame) {
    struct iovec parts[MAX_BUFFERS];
    int count = 0;
    (void)card;
    for (struct pbuf *part = frame; part && count < MAX_BUFFERS; part = part->next)
        parts[count++] = (struct iovec){part->payload, part->len};
    return writev(tap, parts, count) < 0 ? ERR_IF : ERR_OK;
}

static err_t set_up(struct netif *card) {
    static const u8_t mac[6] = {0x02, 0, 0, 0, 0, 0x02};
    memcpy(card->hwaddr, mac, sizeof mac);
    card->hwaddr_len = sizeof mac;
    card->mtu = MTU;
    card->name[0] = 't';
    card->name[1] = 'p';
    card->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_LINK_UP;
    card->output = etharp_output;
    card->linkoutput = send_frame;
    return ERR_OK;
}

static int receive_frame(struct netif *card) {
    char octets[FRAME + 4];
    ssize_t count = read(tap, octets, sizeof octets);
    if (count <= 0)
        return 0;
    /* Not PBUF_POOL: its buffers have 600 octets in Debian's library, which takes them for larger ones. */
    struct pbuf *frame = pbuf_alloc(PBUF_RAW, (u16_t)count, PBUF_RAM);
    if (frame) {
        pbuf_take(frame, octets, (u16_t)count);
        if (card->input(frame, card) != ERR_OK)
            pbuf_free(frame);
    }
    return 1;
}

static void open_tap(const char *name) {
    struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};
    snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
    if ((tap = open("/dev/net/tun", O_RDWR | O_NONBLOCK)) < 0)
        give_up("/dev/net/tun");
    if (ioctl(tap, TUNSETIFF, &request) < 0 || ioctl(tap, TUNSETOFFLOAD, 0) < 0)
        give_up(name);
}

/* The services. A connection's argument is a number: octets counted, or how much of END has been seen. */

static err_t end(struct tcp_pcb *connection) {
    tcp_recv(connection, NULL);
    tcp_sent(connection, NULL);
    return tcp_close(connection);
}

static void taken(struct tcp_pcb *connection, struct pbuf *data) {
    tcp_recved(connection, data->tot_len);
    pbuf_free(data);
}

static err_t sink(void *octets, struct tcp_pcb *connection, struct pbuf *data, err_t status) {
    char text[24];
    (void)status;
    if (data) {
        tcp_arg(connection, (void *)((uintptr_t)octets + data->tot_len));
        taken(connection, data);
        return ERR_OK;
    }
    int length = snprintf(text, sizeof text, "%ju", (uintmax_t)(uintptr_t)octets);
    tcp_write(connection, text, (u16_t)length, TCP_WRITE_FLAG_COPY);
    return end(connection);
}

static err_t echo(void *unused, struct tcp_pcb *connection, struct pbuf *data, err_t status) {
    (void)unused;
    (void)status;
    if (!data)
        return end(connection);
    for (struct pbuf *part = data; part; part = part->next)
        tcp_write(connection, part->payload, part->len, TCP_WRITE_FLAG_COPY);
    taken(connection, data);
    return tcp_output(connection);
}

static err_t http(void *seen, struct tcp_pcb *connection, struct pbuf *data, err_t status) {
    uintptr_t at = (uintptr_t)seen;
    (void)status;
    if (!data)
        return end(connection);
    for (struct pbuf *part = data; part; part = part->next) {
        const char *octets = part->payload;
        for (u16_t i = 0; i < part->len; i++) {
            at = octets[i] == END[at] ? at + 1 : octets[i] == END[0];
            if (at == sizeof END - 1) {
                at = 0;
                tcp_write(connection, REPLY, sizeof REPLY - 1, 0);
            }
        }
    }
    tcp_arg(connection, (void *)at);
    taken(connection, data);
    return tcp_output(connection);
}

static err_t discard(void *unused, struct tcp_pcb *connection, struct pbuf *data, err_t status) {
    (void)unused;
    (void)status;
    if (!data)
        return end(connection);
    taken(connection, data);
    return ERR_OK;
}

static err_t pump(void *unused, struct tcp_pcb *connection, u16_t acknowledged) {
    (void)unused;
    (void)acknowledged;
    for (;;) {
        u16_t room = tcp_sndbuf(connection) < sizeof ZEROS ? (u16_t)tcp_sndbuf(connection) : sizeof ZEROS;
        if (room < TCP_MSS || tcp_write(connection, ZEROS, room, 0) != ERR_OK)
            return tcp_output(connection);
    }
}

static err_t accepted(void *service, struct tcp_pcb *connection, err_t status) {
    if (status != ERR_OK || !connection)
        return ERR_VAL;
    tcp_arg(connection, NULL);
    tcp_nagle_disable(connection);
    switch ((uintptr_t)service) {
    case SINK:
        tcp_recv(connection, sink);
        return ERR_OK;
    case HTTP:
        tcp_recv(connection, http);
        return ERR_OK;
    case ECHO:
        tcp_recv(connection, echo);
        return ERR_OK;
    case SOURCE:
        tcp_recv(connection, discard);
        tcp_sent(connection, pump);
        return pump(NULL, connection, 0);
    default:
        tcp_write(connection, "hello\n", 6, 0);
        return end(connection);
    }
}

static void datagram(void *unused, struct udp_pcb *port, struct pbuf *data, const ip_addr_t *from, u16_t from_port) {
    (void)unused;
    udp_sendto(port, data, from, from_port);
    pbuf_free(data);
}

static void listen_at(u16_t port) {
    struct tcp_pcb *listener = tcp_new();
    if (!listener || tcp_bind(listener, IP_ANY_TYPE, port) != ERR_OK)
        give_up("tcp_bind");
    listener = tcp_listen_with_backlog(listener, BACKLOG);
    tcp_arg(listener, (void *)(uintptr_t)port);
    tcp_accept(listener, accepted);
}

static void serve(void) {
    static const u16_t ports[] = {SINK, SOURCE, ONCE, HTTP, ECHO};
    for (size_t i = 0; i < sizeof ports / sizeof *ports; i++)
        listen_at(ports[i]);
    struct udp_pcb *port = udp_new();
    if (!port || udp_bind(port, IP_ANY_TYPE, ECHO) != ERR_OK)
        give_up("udp_bind");
    udp_recv(port, datagram, NULL);
}

int main(int argc, char **argv) {
    struct netif card;
    ip4_addr_t address, mask, gateway;
    if (argc != 3 || !ip4addr_aton(argv[2], &address)) {
        fprintf(stderr, "usage: %s INTERFACE ADDRESS\n", argv[0]);
        return 2;
    }
    open_tap(argv[1]);
    lwip_init();
    IP4_ADDR(&mask, 255, 255, 255, 0);
    ip4_addr_set_zero(&gateway);
    netif_add(&card, &address, &mask, &gateway, NULL, set_up, netif_input);
    netif_set_default(&card);
    netif_set_up(&card);
    serve();
    printf("ready\n");
    fflush(stdout);
    for (;;) {
        struct pollfd watched = {tap, POLLIN, 0};
        u32_t sleep = sys_timeouts_sleeptime();
        poll(&watched, 1, sleep > 1000 ? 1000 : (int)sleep);
        for (int i = 0; i < BURST && receive_frame(&card); i++)
            ;
        sys_check_timeouts();
    }
}
