# ruby-pg: a thread per connection. Values have no types of their own, unnamed statements unless asked otherwise.
require 'pg'

CONNECTIONS = 8

def fail_at(number, line, question, expected, came)
  printf("connection %d, line %d: %.300s\n  expected: %.300s\n  came:     %.600s\n",
         number, line, question, expected.to_s, came.to_s)
  $stdout.flush
  exit!(1)
end

def value(field)
  text = field[1..]
  case field[0]
  when 'n' then nil
  when 'x' then { value: [text].pack('H*'), format: 1 }
  when 'I', 'T'
    PG::TextEncoder::Array.new.encode(text.split(',').map { |each| each == 'NULL' ? nil : each })
  else text
  end
end

class Client
  def initialize
    @connection = PG.connect
    @names = {}
  end

  def rows(result)
    result.values.map { |row| row.map { |cell| cell.nil? ? '\N' : cell }.join("\t") }
  end

  def ask(sql, fields)
    rows(@connection.exec_params(sql, fields.map { |field| value(field) }))
  end
  alias stream ask

  def prepared(sql, fields)
    unless @names[sql]
      name = "q#{@names.size}"
      @connection.prepare(name, sql)
      @names[sql] = name
    end
    rows(@connection.exec_prepared(@names[sql], fields.map { |field| value(field) }))
  end

  def plain(sql, _fields) = rows(@connection.exec(sql))

  def many(sql, fields)
    fields.slice_when { |before, _| before == ';' }.each { |set| ask(sql, set - [';']) }
    []
  end

  def fails(sql, fields)
    ask(sql, fields)
    ['no error']
  rescue PG::ServerError => e
    [e.result.error_field(PG::PG_DIAG_SQLSTATE)]
  end
  alias aborted fails

  def begin(*) = plain('BEGIN', [])
  def commit(*) = plain('COMMIT', [])
  def rollback(*) = plain('ROLLBACK', [])
end

def play(client, number)
  File.foreach("#{ENV.fetch('SCRIPT')}.#{number}", chomp: true, encoding: 'UTF-8').with_index(1) do |text, line|
    question, *expected = text.split("\t->\t", -1)
    what, sql, *fields = question.split("\t", -1)
    begin
      came = client.public_send(what, sql, fields)
    rescue PG::Error => e
      fail_at(number, line, question, expected, e.message)
    end
    fail_at(number, line, question, expected, came) if came != expected
  end.then { File.foreach("#{ENV.fetch('SCRIPT')}.#{number}").count }
end

clients = begin
  Array.new(CONNECTIONS) { Client.new }
rescue PG::Error => e
  fail_at(-1, 0, 'connect', [], e.message)
end
queries = clients.each_with_index.map { |client, number| Thread.new { play(client, number) } }.sum(&:value)
puts "ruby-pg #{PG::VERSION}: #{queries} queries, 0 wrong"
