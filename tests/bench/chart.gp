# The chart of tests/bench/run: gnuplot -e "data='FOLDER'; out='FILE'" chart.gp
set terminal svg size 1120,720 font 'Helvetica,Arial,sans-serif,14' background rgb 'white' rounded
set output out

set style line 1 lc rgb '#7f7f7f' lw 2.5 pt 5 ps 0.7 # nginx
set style line 2 lc rgb '#d95f02' lw 2.5 pt 9 ps 0.9 # Janus
set style line 3 lc rgb '#4d9221' lw 2.5 pt 11 ps 0.9 # create
set style line 4 lc rgb '#1f5fbf' lw 3.5 pt 7 ps 0.8 # list
set style line 9 lc rgb '#dddddd' lw 1
set border 3 lc rgb '#444444'
set tics nomirror textcolor rgb '#222222'
set grid ytics xtics ls 9
set title textcolor rgb '#111111'

set multiplot
set logscale x 4
set logscale y 10
set xtics (1, 16, 64, 256)
set xrange [0.8:320]
set xlabel 'connections' textcolor rgb '#222222'
set lmargin 10
set rmargin 3
set bmargin 4
set key vertical Left reverse samplen 2 spacing 1.3 textcolor rgb '#222222'

# One legend for both.
set key at screen 0.795,0.9 left top
set size 0.4,0.5
set origin 0,0.5
set title 'Throughput, requests/s'
set ytics (100, 300, '1k' 1000, '3k' 3000, '10k' 10000, '30k' 30000, '100k' 100000, '300k' 300000)
plot data.'/rate' using 1:5 title 'Lynks /list\_participants' with linespoints ls 4, \
     '' using 1:4 title 'Lynks /create' with linespoints ls 3, \
     '' using 1:2 title 'nginx return 200' with linespoints ls 1, \
     '' using 1:3 title 'Janus directly' with linespoints ls 2

unset key
set origin 0.4,0.5
set title 'p99 latency, ms'
set ytics (0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000)
plot data.'/p99' using 1:5 title 'Lynks /list\_participants' with linespoints ls 4, \
     '' using 1:4 title 'Lynks /create' with linespoints ls 3, \
     '' using 1:2 title 'nginx return 200' with linespoints ls 1, \
     '' using 1:3 title 'Janus directly' with linespoints ls 2

set size 0.8,0.48
set origin 0,0.01
set key on at screen 0.795,0.4 left top
set title 'Cost of a request over rooms (64 connections): processor time of all processes, µs'
unset logscale
set logscale x 10
set xtics autofreq
set ytics autofreq
set format x '%.0f'
set format y '%.0f'
set xrange [8:*]
set yrange [0:*]
set xlabel 'rooms'
plot data.'/rooms' using 1:3 title 'Lynks /list\_participants' with linespoints ls 4, \
     '' using 1:2 title 'Janus directly' with linespoints ls 2
unset multiplot
