<?php
// Symfony Messenger with its Amazon SQS transport: sends, works with retries, and sends on what fails for good.
require '/usr/share/php/Symfony/Component/EventDispatcher/autoload.php';
require '/usr/share/php/Symfony/Component/Messenger/Bridge/AmazonSqs/autoload.php';
require '/usr/share/php/Symfony/Component/HttpClient/autoload.php';

use Psr\Container\ContainerInterface;
use Symfony\Component\EventDispatcher\EventDispatcher;
use Symfony\Component\Messenger\Bridge\AmazonSqs\Transport\AmazonSqsFifoStamp;
use Symfony\Component\Messenger\Bridge\AmazonSqs\Transport\AmazonSqsTransportFactory;
use Symfony\Component\Messenger\Envelope;
use Symfony\Component\Messenger\Event\WorkerRunningEvent;
use Symfony\Component\Messenger\EventListener\SendFailedMessageForRetryListener;
use Symfony\Component\Messenger\EventListener\SendFailedMessageToFailureTransportListener;
use Symfony\Component\Messenger\Handler\HandlersLocator;
use Symfony\Component\Messenger\MessageBus;
use Symfony\Component\Messenger\Middleware\HandleMessageMiddleware;
use Symfony\Component\Messenger\Retry\MultiplierRetryStrategy;
use Symfony\Component\Messenger\Transport\Serialization\PhpSerializer;
use Symfony\Component\Messenger\Worker;

final class Mail
{
    public function __construct(public int $number) {}
}

final class Known implements ContainerInterface
{
    public function __construct(private array $all) {}
    public function get(string $id): mixed { return $this->all[$id]; }
    public function has(string $id): bool { return isset($this->all[$id]); }
}

function transport(string $queue): object
{
    $dsn = sprintf('sqs://%s:%s@%s/%s?sslmode=disable&wait_time=1', rawurlencode(getenv('AWS_ACCESS_KEY_ID')),
        rawurlencode(getenv('AWS_SECRET_ACCESS_KEY')), substr(getenv('ENDPOINT'), 7), $queue);
    return (new AmazonSqsTransportFactory())->createTransport($dsn, [], new PhpSerializer());
}

function check(bool $holds, string $what): void
{
    if ($holds) return;
    fwrite(STDERR, "not so: $what\n");
    exit(1);
}

function work(): void
{
    $mails = transport('mails');
    $failed = transport('failed');
    $mails->setup();
    $failed->setup();
    for ($n = 0; $n < 10; ++$n) $mails->send(new Envelope(new Mail($n)));
    $tries = [];
    $handler = function (Mail $m) use (&$tries): void {
        $tries[$m->number] = ($tries[$m->number] ?? 0) + 1;
        if (9 === $m->number || (0 === $m->number % 3 && 1 === $tries[$m->number])) throw new RuntimeException("mail {$m->number}");
    };
    $bus = new MessageBus([new HandleMessageMiddleware(new HandlersLocator([Mail::class => [$handler]]))]);
    $events = new EventDispatcher();
    $senders = new Known(['mails' => $mails]);
    $strategies = new Known(['mails' => new MultiplierRetryStrategy(2, 1000, 1)]);
    $events->addSubscriber(new SendFailedMessageForRetryListener($senders, $strategies));
    $events->addSubscriber(new SendFailedMessageToFailureTransportListener($failed));
    $worker = new Worker(['mails' => $mails], $bus, $events);
    $events->addListener(WorkerRunningEvent::class, function () use (&$tries, $worker): void {
        if (10 === count($tries) && 15 <= array_sum($tries)) $worker->stop();
    });
    $worker->run(['sleep' => 0]);
    ksort($tries);
    check([2, 1, 1, 2, 1, 1, 2, 1, 1, 3] === array_values($tries), 'tries: ' . json_encode($tries));
    $letters = [];
    while (!$letters) $letters = [...$failed->get()];
    check(9 === $letters[0]->getMessage()->number, 'the last failure is mail 9');
    $failed->ack($letters[0]);
    check(0 === $mails->getMessageCount() && 0 === $failed->getMessageCount(), 'nothing is left');
    echo "symfony: 10 mails, 5 retries, 1 in the failure transport\n";
}

function fifo(): void
{
    $orders = transport('orders.fifo');
    $orders->setup();
    foreach ([1, 2, 2, 3] as $n) $orders->send(new Envelope(new Mail($n), [new AmazonSqsFifoStamp('a', "n$n")]));
    $seen = [];
    while (count($seen) < 3) {
        foreach ($orders->get() as $e) {
            $seen[] = $e->getMessage()->number;
            $orders->ack($e);
        }
    }
    check([1, 2, 3] === $seen, 'order: ' . json_encode($seen));
    echo "symfony: a group in order, without its double\n";
}

work();
fifo();
